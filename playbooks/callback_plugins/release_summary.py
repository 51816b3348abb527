# ruff: noqa: E402  the documentation comes first in a plugin
"""Tell at the end of a playbook what became of each host's release, however the playbook has ended."""

from __future__ import annotations

DOCUMENTATION = r"""
name: release_summary
type: notification
short_description: One line a host about the release that runs
description:
  - Prints one line for each host of the plays whose variable C(release_summary) is true, also for hosts that failed,
    could not be reached, or were not touched because another host has failed.
  - Reads the custom statistic C(release) of each host, a dictionary that M(ansible.builtin.set_stats) writes.
    C(before) is the release that ran first, C(now) the one that runs since (empty while that is not known),
    C(planned) the one that would run without check mode, C(reason) why that has failed.
author: SoniqueBay
"""

from ansible import constants, context
from ansible.plugins.callback import CallbackBase


def reason_of(result):
    """Return in one line why a task has failed."""
    parts = [result.get("msg") or "a task has failed"]
    if "rc" in result and result.get("stderr"):
        parts.append(result["stderr"].strip().splitlines()[-1])
    return " ".join(": ".join(str(part) for part in parts).split())


def state_of(release):
    """Return what runs on a host, in words."""
    before, now, planned = (release.get(name) for name in ("before", "now", "planned"))
    if now is None:  # it is read before anything else is done
        return "not touched"
    if planned and planned == now:
        return f"{now} runs, and would stay"
    if planned:
        return f"{now} runs, and would be replaced by {planned}"
    if not now:
        return f"{before} ran before, and what runs now is not known: play again to learn it"
    return f"{now} runs, as before" if now == before else f"{now} runs, {before} ran before"


class CallbackModule(CallbackBase):
    """The callback `release_summary`."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "release_summary"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self):
        super().__init__()
        self._hosts = {}  # an ordered set
        self._reasons = {}

    def v2_playbook_on_start(self, playbook):
        """Forget the playbook before."""
        self._hosts, self._reasons = {}, {}

    def v2_playbook_on_play_start(self, play):
        """Note the hosts of all batches: those of a batch that is never begun have no task to tell of."""
        if play.vars.get("release_summary"):
            variables = play.get_variable_manager().get_vars(play=play)
            self._hosts.update(dict.fromkeys(variables["ansible_play_hosts_all"]))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """Note the first failure: a later one is of the cleaning up."""
        if not ignore_errors:
            self._reasons.setdefault(result.host.get_name(), reason_of(result.result))

    def v2_runner_on_unreachable(self, result):
        """Note that a host cannot be reached, or no longer."""
        self._reasons.setdefault(result.host.get_name(), f"it cannot be reached: {reason_of(result.result)}")

    def v2_playbook_on_stats(self, stats):
        """Print the lines."""
        if not self._hosts:
            return
        self._display.banner(
            "RELEASES (check mode: nothing was touched)" if context.CLIARGS.get("check") else "RELEASES"
        )
        for host in self._hosts:
            release = stats.custom.get(host, {}).get("release", {})
            if stats.failures.get(host) or stats.dark.get(host):
                reason = release.get("reason") or self._reasons.get(host, "see above")
                self._display.display(f"{host}: failed: {reason}; {state_of(release)}", color=constants.COLOR_ERROR)
            else:
                self._display.display(f"{host}: {state_of(release)}")
