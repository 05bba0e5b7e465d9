"""Many records in a server's store, for stories and figures about size: copies of rows that the server wrote itself, under other names.

The store is written while no server is there. A copied cluster is as a creation leaves it that failed, so nothing of it runs, and nothing has to.
"""

import json
import re
import sqlite3
import uuid

from .server import Server


class Records:
    """The store of a server that is stopped."""

    def __init__(self, server: Server):
        assert server.running.process.poll() is not None, "the server has its store open"
        self.file = next(server.data.glob("*.db"))

    def __enter__(self) -> "Records":
        self.db = sqlite3.connect(self.file)
        self.db.row_factory = sqlite3.Row
        return self

    def __exit__(self, *_):
        self.db.commit()
        self.db.close()

    def copy_cluster(self, name: str, count: int):
        """As many more as are wanted, with the document of the one of that name."""
        row = dict(self.db.execute("SELECT * FROM managed_cluster WHERE name = ?", (name,)).fetchone())
        row |= {"state": "failed", "usable": 0, "why": json.dumps({"code": "ControlPlaneFailed", "message": "for the sake of a figure"})}
        row |= dict.fromkeys(["applied", "work", "operation", "since", "url", "ca"])
        there = self.db.execute("SELECT count(*) FROM managed_cluster").fetchone()[0]
        made = (row | {"uid": str(uuid.uuid4()), "name": f"{name}-{at}", "name_key": f"{name}-{at}".lower()} for at in range(there, there + count))
        self._insert("managed_cluster", row, made)

    def assign(self, count: int):
        """Roles of others, at clusters and resource groups of others: none of them is the caller's."""
        row = dict(self.db.execute("SELECT * FROM role_assignment LIMIT 1").fetchone())
        home = re.match(r"/subscriptions/[^/]+", self.db.execute("SELECT '/subscriptions/' || id FROM subscription").fetchone()[0])[0]

        def one(at: int) -> dict:
            scope = f"{home}/resourceGroups/rg-{at % 997}" + ("" if at % 3 else f"/providers/Microsoft.ContainerService/managedClusters/c-{at % 4999}")
            return row | {"id": str(uuid.uuid4()), "scope": scope, "scope_key": scope.lower(), "principal": str(uuid.uuid4()), "principal_type": "User"}

        self._insert("role_assignment", row, (one(at) for at in range(count)))

    def forget_assigned(self):
        """Takes away what `assign` added."""
        self.db.execute("DELETE FROM role_assignment WHERE scope_key LIKE '%/resourcegroups/rg-%'")

    def _insert(self, table: str, row: dict, rows):
        columns = ", ".join(row)
        self.db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({', '.join(f':{name}' for name in row)})", rows)
