"""The report: what a network still knows of what it was to forget, for somebody who must decide.

``finding``: what an audit finds. ``audits``: the list of them. ``words``: what may be said.
``store``: finished audits are kept. ``page``: the HTML. ``document``: all together.
"""

from kit.plots.report.audits import AUDITS
from kit.plots.report.document import Report, report
from kit.plots.report.finding import Audit, Finding, Measured, Networks

__all__ = ["AUDITS", "Audit", "Finding", "Measured", "Networks", "Report", "report"]
