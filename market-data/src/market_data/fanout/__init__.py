"""From one event to every socket: ring, groups, sessions, lag policies. Imports `topics`."""
