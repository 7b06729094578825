"""The questions that can be asked of the store, a module each; `Reports` answers them all."""

from shopalytic_server.storage.reports.reports import Reports

__all__ = ["Reports"]
