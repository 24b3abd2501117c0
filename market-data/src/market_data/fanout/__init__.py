"""From one event to every socket: rings, groups, sessions, lag policies. Imports `topics`."""
