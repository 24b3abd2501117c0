"""`tapewire up`: the whole venue from one command, supervised, and stopped cleanly.

`options` is what was asked for, `venue` starts and stops the parts in order, `member` restarts what
dies, `disk_guard` watches the disk, `signals` turns signals into wake-ups, `screen` writes what a
person reads. Everything runs on one thread, the main one.

May import: `errors`, `limits`, `runtime`, `values`, `settings`, `redis`, `web`, `api_keys`,
`crowd`.
"""
