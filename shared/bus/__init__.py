"""The broker: a thin layer over aio-pika for commands and their replies."""
