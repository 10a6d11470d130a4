"""What is said to whoever watches over the bot: why it is not well, and what its numbers mean."""

DATABASE_SILENT = "The records do not answer; easel doctor says what to do."
WORKER_FAILS = "The drawing process does not start; the log has its last words."
NOT_CONNECTED = "There is no connection to Discord at the moment."

METRICS = {
    "easel_queue_length": "Jobs that wait.",
    "easel_jobs_running": "Jobs that are being drawn.",
    "easel_jobs": "Jobs that ended since the start, by their end.",
    "easel_drawing_seconds": "Seconds of compute of the jobs that ended since the start.",
    "easel_deliveries": "Results handed over since the start, by the way that they took.",
    "easel_worker_restarts": "How often the drawing process was started again since the start.",
    "easel_worker_up": "Whether the drawing process runs.",
    "easel_discord_connected": "Whether the bot is connected to Discord.",
    "easel_memory_bytes": "Resident memory by process.",
}


def health_port_taken(host: str, port: int, reason: str) -> str:
    return (
        f"Nobody can ask for Easel's health: {host}:{port} cannot be opened ({reason}). "
        "Set EASEL_HEALTH_PORT to another one, or to 0 for none; Easel goes on without it."
    )
