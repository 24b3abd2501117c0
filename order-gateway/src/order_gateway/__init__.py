"""The order gateway:

takes orders over REST and WebSocket, has them matched, answers with the result.
"""
