"""Reads configurations with oslo.config.

Takes a JSON list of cases from standard input, each
{"files": [text, ...], "env": {name: value}}, and prints a JSON list: for each case
{option: [texts] or null or "error"}, or "error" when oslo.config refuses the files.
"""

import json
import os
import sys
import tempfile

from oslo_config import cfg
from oslo_config import types


def options():
    return {
        "DEFAULT": [
            cfg.StrOpt("path", default="/var"),
            cfg.StrOpt("lock", default="$path/lock"),
            cfg.BoolOpt("debug", default=False),
            cfg.MultiStrOpt("multi", default=[]),
        ],
        "group": [
            cfg.StrOpt("text"),
            cfg.BoolOpt("flag"),
            cfg.IntOpt("number", min=1, max=1000),
            cfg.FloatOpt("rate"),
            cfg.ListOpt("list"),
            cfg.Opt("numbers", type=types.List(types.Integer())),
            cfg.DictOpt("dict"),
            cfg.StrOpt("choice", choices=["a", "b"]),
            cfg.StrOpt(
                "renamed",
                deprecated_name="old",
                deprecated_opts=[cfg.DeprecatedOpt("older", group="legacy")],
            ),
            cfg.MultiStrOpt("multi", default=["x"]),
        ],
    }


def texts(value):
    if value is None:
        return None
    if isinstance(value, dict):
        return [",".join(f"{key}:{item}" for key, item in sorted(value.items()))]
    return [str(value)]


def read(case):
    conf = cfg.ConfigOpts()
    for group, opts in options().items():
        conf.register_opts(opts, None if group == "DEFAULT" else group)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index, text in enumerate(case["files"]):
            paths.append(os.path.join(folder, f"{index}.conf"))
            with open(paths[-1], "w", newline="", encoding="utf-8") as file:
                file.write(text)
        before = dict(os.environ)
        os.environ.update(case["env"])
        try:
            arguments = [word for path in paths for word in ("--config-file", path)]
            conf(args=arguments, default_config_files=[], default_config_dirs=[])
            return values(conf)
        except cfg.ConfigFileParseError:
            return "error"
        finally:
            os.environ.clear()
            os.environ.update(before)


def values(conf):
    found = {}
    for group, opts in options().items():
        holder = conf if group == "DEFAULT" else conf[group]
        for opt in opts:
            name = f"{group}.{opt.name}"
            try:
                value = holder[opt.name]
            except Exception:  # whatever it raises, the value cannot be had
                found[name] = "error"
                continue
            if opt.multi:
                found[name] = value
            elif isinstance(value, list):
                found[name] = [",".join(str(item) for item in value)]
            else:
                found[name] = texts(value)
    return found


json.dump([read(case) for case in json.load(sys.stdin)], sys.stdout)
