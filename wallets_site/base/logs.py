"""What the processes say, one event a line: for people, or as JSON for a log host (LOG_FORMAT=json)."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class Line(logging.Formatter):
    """Time, level, name, message. Line breaks and control signs that came in with the message are written out, so that
    nobody can add a line of their own; a traceback is ours and keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = "".join(each if each.isprintable() else repr(each)[1:-1] for each in record.message)
        return super().formatMessage(record)


class JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "process": record.process,
            "message": record.getMessage(),
        }  # fmt: skip
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)
