"""What SoniqueBay replaces in the private parts of other people's packages, a module each.

Each module says what it replaces and why, the upstream issue, and when it can go. `versions` holds the versions that
all of them were tested with: a program that starts with other ones logs a warning, and a test fails.

| module | replaces |
|---|---|
| `priorities` | kombu's strict order of priorities in its Redis transport |
| `unacknowledged` | kombu's one set of unacknowledged messages for all workers |
| `recovery` | Celery's handling of a lost broker connection, and of messages that a killed worker has left |
| `autoscaler` | Celery's autoscaler, which does not look at the memory |
| `memory_recycling` | billiard's check of a child process's memory |
| `full_broker` | kombu's notes on unacknowledged messages, where Redis refuses to write them |
| `eta` | how long a worker holds a task that is to run later |
| `event_state` | nothing: it reads attributes of Celery's event state that are not documented |
| `flower_server` | Flower's HTTP server, which has no limits |
| `remote_transport` | what kombu's Redis transport writes, which a worker on another machine may not |
| `import_stub` | httpx's import of its own command line, and billiard's of cffi |
"""
