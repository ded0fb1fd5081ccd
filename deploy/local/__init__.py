"""The native local stack: private Postgres and RabbitMQ, the roles, and what keeps them running."""
