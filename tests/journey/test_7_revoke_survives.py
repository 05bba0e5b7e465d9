"""What was revoked stays revoked when the server is killed and comes back."""

from support.cluster import Door
from support.running import until
from support.tokens import Held, enters, out_within_the_bound, revoke


def test_a_revoked_session_stays_revoked_after_kill_9(server, admin, platform):
    file = admin.home / "survives-kubeconfig"
    admin.get_credentials(platform.group, platform.cluster, "-f", str(file), "--overwrite-existing")
    door = Door.of(file)
    sven, _ = platform.hire("sven")
    lost, kept = (Held.of_device(server, sven.upn, sven.password) for _ in range(2))
    assert enters(door, lost) and enters(door, kept)
    revoke(admin, "session", lost.claims["sid"], "--reason", "journey: before the crash")
    server.kill()
    server.serve()
    until("the API server is answered again", lambda: enters(door, kept), seconds=60)
    out_within_the_bound(door, lost, "a session that was revoked before a `kill -9`")
    assert not lost.refreshes() and kept.refreshes()
    assert any(one["id"] == lost.claims["sid"] for one in revoke(admin, "list"))
