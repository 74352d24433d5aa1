"""Listens as any OpenStack service would, and prints what comes, a line of JSON each.

Arguments: transport URL, exchange, topic, how many, and `durable` or `transient`.
"""

import json
import sys
import threading

import oslo_messaging
from oslo_config import cfg

url, exchange, topic, wanted, kind = sys.argv[1:6]
left = int(wanted)
done = threading.Event()
lock = threading.Lock()


def say(line):
    """One line at a time: what is heard comes from another thread."""
    with lock:
        print(line, flush=True)


def tell(priority):
    def method(self, context, publisher_id, event_type, payload, metadata):
        global left
        heard = {
            "priority": priority,
            "context": context,
            "publisher_id": publisher_id,
            "event_type": event_type,
            "payload": payload,
            "metadata": metadata,
        }
        say(json.dumps(heard))
        with lock:
            left -= 1
            if left == 0:
                done.set()
        return oslo_messaging.NotificationResult.HANDLED

    return method


class Endpoint:
    audit = tell("audit")
    info = tell("info")
    warn = tell("warn")
    error = tell("error")


conf = cfg.ConfigOpts()
conf([], project="listener")
oslo_messaging.set_transport_defaults(exchange)
transport = oslo_messaging.get_notification_transport(conf, url=url)
conf.set_override("amqp_durable_queues", kind == "durable", group="oslo_messaging_rabbit")
server = oslo_messaging.get_notification_listener(
    transport,
    [oslo_messaging.Target(topic=topic, exchange=exchange)],
    [Endpoint()],
    executor="threading",
)
server.start()
say("listening")
ok = done.wait(60)
server.stop()
server.wait()
sys.exit(0 if ok else 1)
