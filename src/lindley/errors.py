"""Every error that lindley raises on purpose.

LindleyError
├── InputError (also ValueError)     a value, a shape, a name or an option that cannot be used
│   └── ConfigurationError           a study: an unknown key, a wrong value
├── DataError                        a data set that is missing, truncated or altered
├── FitError                         training that diverged
└── JournalError                     a journal that is damaged or of another trial
    └── HeldError                    what another process holds
"""

from __future__ import annotations


class LindleyError(Exception):
    """The root: everything that lindley raises on purpose is one of these."""


class InputError(LindleyError, ValueError):
    """A value, a shape, a name or an option that cannot be used."""


class ConfigurationError(InputError):
    """A study with an unknown key or a wrong value; the message names the key."""


class DataError(LindleyError):
    """A data set that is missing, truncated or altered; the message names the file."""


class FitError(LindleyError):
    """Training that diverged; the message says at which step."""


class JournalError(LindleyError):
    """A journal that is damaged, or that belongs to another trial."""


class HeldError(JournalError):
    """A trial or a folder that another process holds; the message names the process."""
