"""All behaviours in one table. A new one is a new row in the file of its subject, and nothing else."""

from ._behaviour import Behaviour
from .connection import CONNECTION
from .greeting import GREETING
from .incarnation import INCARNATION
from .login import LOGIN
from .password import PASSWORD_ROGUES
from .results import RESULTS
from .tls import TLS_ROWS
from .values import VALUE_ROWS

__all__ = ["BEHAVIOURS", "Behaviour"]

BEHAVIOURS: tuple[Behaviour, ...] = (
    *CONNECTION,
    *GREETING,
    *INCARNATION,
    *LOGIN,
    *PASSWORD_ROGUES,
    *RESULTS,
    *VALUE_ROWS,
    *TLS_ROWS,
)
