"""Decides by oslo.policy.

Takes a JSON list of cases from standard input, each {"rules": {name: check} or a file's text,
"default": name or null, "target": {}, "creds": {}}, and prints a JSON list: for each case
{name: true or false or "error"}, or "error" when the rules cannot be loaded.
"""

import json
import logging
import sys

from oslo_config import cfg
from oslo_policy import policy

logging.disable(logging.CRITICAL)
conf = cfg.ConfigOpts()
conf([])


def decide(case):
    enforcer = policy.Enforcer(conf, use_conf=False, default_rule=case["default"])
    try:
        if isinstance(case["rules"], str):
            rules = policy.Rules.load(case["rules"], case["default"])
        else:
            rules = policy.Rules.from_dict(case["rules"], case["default"])
    except Exception:  # whatever it raises, there are no rules
        return "error"
    enforcer.set_rules(rules, overwrite=True, use_conf=False)
    enforcer.rules.default_rule = case["default"]
    results = {}
    for name in [*rules, "unknown"]:
        try:
            results[name] = bool(enforcer.enforce(name, case["target"], dict(case["creds"])))
        except BaseException:  # RecursionError among them
            results[name] = "error"
    return results


json.dump([decide(case) for case in json.load(sys.stdin)], sys.stdout)
