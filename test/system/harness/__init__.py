"""What the system tests are made of: the daemon under test, and the peers it talks to."""
