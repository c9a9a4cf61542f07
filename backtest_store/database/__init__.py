"""Where the store is: settings, connections, the embedded server, migrations."""
