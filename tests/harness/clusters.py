"""Real clusters for tests: masters and replicas on the loopback.

    with clusters.Cluster(masters=3, replicas=1) as cluster:
        cluster.call("SET", "key", "value")     goes where the key lives
        cluster.url()                           redis+cluster://...
        cluster.kill(cluster.masters[0])
        cluster.stop()

Gone when the test is, however that ends, as its servers are.
"""

import time

from . import engines, servers
from .client import Client, Refused

SLOTS = 16384


class Cluster:
    """masters and replicas: lists of servers.Server.

    engine    a name of engines.NAMES
    replicas  per master
    slots     ranges for each master, a list of (first, last); default: even
              shares
    config    more lines of every node's configuration
    tls       a certs.Certs: the nodes speak TLS too, and tell TLS ports to
              who asks over TLS
    """

    NODE_TIMEOUT = 1500         # ms: short, so that failures are noticed
    READY_SECONDS = 60

    def __init__(self, engine="redis-7.0", masters=3, replicas=0, slots=None,
                 config=(), tls=None, password=None):
        engines.get(engine)
        self.masters, self.replicas, self.tls = [], [], tls
        self.password = password
        try:
            self._start(engine, masters, replicas, list(config))
            self._join(slots or _shares(masters))
            self._attach(replicas)
            self.wait_until_ok()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def nodes(self):
        return self.masters + self.replicas

    # --- to talk to it ---

    def url(self, over="tcp", user=None, password=None, nodes=None):
        """The cluster's URL for our programs, naming its masters or nodes."""
        password = password or self.password
        who = f"{user or ''}:{password}@" if password else ""
        tls = over == "tls"
        ports = (n.tls_port if tls else n.port for n in nodes or self.masters)
        return (f"redis{'s' if tls else ''}+cluster://{who}" +
                ",".join(f"127.0.0.1:{port}" for port in ports))

    def call(self, *words):
        """A command whose first argument is a key, where the key lives."""
        port = self.masters[0].port
        for _ in range(5):
            try:
                with Client(port=port, password=self.password) as client:
                    return client.call(*words)
            except Refused as refusal:
                if not str(refusal).startswith("MOVED "):
                    raise
                port = int(str(refusal).rsplit(":", 1)[1])
        raise RuntimeError(f"{words[:2]}: sent from node to node")

    def load(self, commands):
        """Run tuples of words, the second being a key, each where the key
        lives."""
        commands = list(commands)
        owner = self._owners()
        for master in self.masters:
            with master.client() as client:
                mine = [c for c in commands if owner[slot(c[1])] is master]
                for command, got in zip(mine, client.pipeline(mine)):
                    if isinstance(got, Refused):
                        raise Refused(f"{command[:2]}: {got}")

    def _owners(self):
        by_port = {m.port: m for m in self.masters}
        owner = {}
        for first, last, node, *_ in self.masters[0].call("CLUSTER", "SLOTS"):
            for n in range(first, last + 1):
                owner[n] = by_port[node[1]]
        return owner

    # --- its life ---

    def kill(self, node):
        """End a node at once and forget it."""
        (self.masters if node in self.masters else self.replicas).remove(node)
        node.stop()

    def failover(self, replica):
        """Make a replica the master, in agreement with the old one."""
        def role(node):
            return node.info("replication")["role"]
        replica.call("CLUSTER", "FAILOVER")
        self._until(lambda: role(replica) == "master",
                    "the replica is not the master")
        self._until(lambda: any(role(m) == "slave" for m in self.masters),
                    "the old master still is one")
        old = next(m for m in self.masters if role(m) == "slave")
        self.masters[self.masters.index(old)] = replica
        self.replicas[self.replicas.index(replica)] = old

    def migrate_begin(self, number, source, target):
        """Leave a slot half on its way, as a resharding does meanwhile."""
        target.call("CLUSTER", "SETSLOT", number, "IMPORTING",
                    source.call("CLUSTER", "MYID"))
        source.call("CLUSTER", "SETSLOT", number, "MIGRATING",
                    target.call("CLUSTER", "MYID"))

    def migrate_end(self, number, owner):
        # Its owner first: the others believe only who has the slot.  One that
        # imports it takes a new epoch for it.
        name = owner.call("CLUSTER", "MYID")
        owner.call("CLUSTER", "SETSLOT", number, "NODE", name)
        owner.call("CLUSTER", "SETSLOT", number, "STABLE")
        for node in self.masters:
            if node is not owner:
                node.call("CLUSTER", "SETSLOT", number, "STABLE")
                node.call("CLUSTER", "SETSLOT", number, "NODE", name)

    def stop(self):
        for node in self.nodes:
            node.stop()
        self.masters, self.replicas = [], []

    def wait_until_ok(self):
        """Until every node says that all is well and knows all the others."""
        for node in self.nodes:
            self._until(lambda: self._fine(node), f"{node.port} is not fine")

    def _fine(self, node):
        info = dict(line.split(":", 1) for line in node.call(
            "CLUSTER", "INFO").decode().split("\r\n") if ":" in line)
        return (info["cluster_state"] == "ok" and
                int(info["cluster_known_nodes"]) == len(self.nodes) and
                int(info["cluster_slots_ok"]) == SLOTS and
                (node in self.masters or
                 node.info("replication")["master_link_status"] == "up"))

    def _start(self, engine, masters, replicas, config):
        for n in range(masters * (1 + replicas)):
            (self.masters if n < masters else self.replicas).append(
                self._node(engine, config))

    def _node(self, engine, config):
        for _ in range(10):
            try:
                return servers.Server(
                    engine, tls=self.tls, password=self.password, config=[
                        "cluster-enabled yes",
                        f"cluster-port {servers.free_port()}",
                        f"cluster-node-timeout {self.NODE_TIMEOUT}",
                        "repl-ping-replica-period 1",
                        *([f"masterauth {self.password}"]
                          if self.password else []),
                        *(["tls-cluster yes"] if self.tls else []), *config])
            except RuntimeError as error:
                if "no free port" not in str(error):
                    raise
        raise RuntimeError("no free port for a node of the cluster")

    def _join(self, shares):
        for n, (node, ranges) in enumerate(zip(self.masters, shares)):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            node.call("CLUSTER", "ADDSLOTSRANGE",
                      *(word for pair in ranges for word in pair))
        first = self.nodes[0]
        for node in self.nodes[1:]:
            first.call("CLUSTER", "MEET", "127.0.0.1", node.port,
                       node.call("CONFIG", "GET", "cluster-port")[1])

    def _attach(self, per_master):
        for n, replica in enumerate(self.replicas):
            master = self.masters[n // per_master].call("CLUSTER", "MYID")
            self._until(lambda: master in replica.call("CLUSTER", "NODES"),
                        "a replica does not hear of its master")
            replica.call("CLUSTER", "REPLICATE", master)

    def _until(self, holds, otherwise):
        end = time.monotonic() + self.READY_SECONDS
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except (OSError, Refused, KeyError):
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the cluster: {otherwise}")


def _shares(masters):
    cuts = [SLOTS * n // masters for n in range(masters + 1)]
    return [[(cuts[n], cuts[n + 1] - 1)] for n in range(masters)]


def slot(key):
    """The slot of a key: CRC16, XMODEM, of it or of its {tag}."""
    key = key if isinstance(key, bytes) else str(key).encode()
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1:end]
    crc = 0
    for byte in key:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xffff
    return crc % SLOTS
