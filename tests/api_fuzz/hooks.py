"""Loaded by schemathesis: gives half of the requests ids of what is there, where the document can
only say that an id is a UUID."""

import json
import os
import random

import schemathesis

IDS = json.loads(os.environ["API_FUZZ_IDS"])
# Bodies that name other resources, by field.
FIELDS = {"instance_id": "instances", "restore_point_id": "restore-points"}


def _chosen(context, kind: str, otherwise):
    ids = IDS.get(kind)
    if not ids:
        return otherwise
    # Of the value itself, so that a seed gives the same requests every time.
    chance = random.Random(f"{context.operation.label} {otherwise}")
    return chance.choice(ids) if chance.random() < 0.5 else otherwise


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters:
        return path_parameters
    kind = context.operation.path.split("/")[2]
    return {name: _chosen(context, kind, value) for name, value in path_parameters.items()}


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    return {name: _mapped(context, value) for name, value in body.items()}


def _mapped(context, resource):
    if not isinstance(resource, dict):
        return resource
    return {
        name: _chosen(context, FIELDS[name], value) if name in FIELDS else value
        for name, value in resource.items()
    }
