"""`tapewire up`: the whole venue from one command, supervised, and stopped cleanly.

`command` reads the options, `venue` starts and stops the parts in order, `member` restarts what
dies, `signals` turns signals into wake-ups, `ports` keeps ports for the services, `screen` writes
what a person reads. Everything runs on one thread, the main one.
"""
