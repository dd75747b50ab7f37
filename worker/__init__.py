"""The archiver: tasks that fetch finished workflows and keep their results."""
