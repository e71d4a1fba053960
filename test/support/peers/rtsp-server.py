"""An RTSP camera for tests: plays one MOV file to each client, on any free port of this machine, with digest login.

    rtsp-server.py FILE USER PASSWORD

Prints its port. The picture must be H.264, the sound G.711 A-law. The server is GStreamer's.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
path, user, password = sys.argv[1:4]

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")

auth = GstRtspServer.RTSPAuth()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "viewer")
auth.add_digest(user, password, token)
server.set_auth(auth)

factory = GstRtspServer.RTSPMediaFactory()
permissions = GstRtspServer.RTSPPermissions()
permissions.add_role("viewer")
for permission in ("media.factory.access", "media.factory.construct"):
    permissions.add_permission_for_role("viewer", permission, True)
factory.set_permissions(permissions)
factory.set_launch(
    f"( filesrc location={path} ! qtdemux name=file"
    " file.video_0 ! queue ! rtph264pay name=pay0 pt=96 config-interval=-1"
    " file.audio_0 ! queue ! rtppcmapay name=pay1 pt=8 )"
)
server.get_mount_points().add_factory("/main", factory)

server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
