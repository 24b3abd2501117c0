"""Health check of a container: exit status 0 if `/readyz` of the service answers 200.

The argument is the prefix of the service's settings. A certificate is not verified, because it is
for the name that clients use.
"""

import os
import ssl
import sys
import urllib.request

TIMEOUT_S = 2.0

prefix = sys.argv[1]
scheme, context = "http", None
if os.environ.get(f"{prefix}TLS_CERTIFICATE"):
    scheme, context = "https", ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
url = f"{scheme}://127.0.0.1:{os.environ[f'{prefix}PORT']}/readyz"
urllib.request.urlopen(url, timeout=TIMEOUT_S, context=context)  # noqa: S310 - http or https
