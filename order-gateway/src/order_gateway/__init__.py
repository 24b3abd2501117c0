"""The order gateway: takes orders over REST, has them matched, answers with the result."""
