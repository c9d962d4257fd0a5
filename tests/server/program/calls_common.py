"""What a client of the SDK sends to enter a room; shared by the tests beside this file."""
import pathlib

from harness import expect

OFFER = "\r\n".join((pathlib.Path(__file__).parents[2] / "signaling/offers/chromium.sdp").read_text().splitlines()) + "\r\n"


def join(client, publish=False):
    """Join, offer and (with `publish`) a microphone, all sent before the first reply. Returns join's reply and the answer."""
    mid = OFFER.split("a=mid:")[1].split("\r\n")[0]
    client.send({"id": 101, "type": "join"})
    client.send({"id": 102, "type": "offer", "sdp": OFFER})
    if publish:
        client.send({"id": 103, "type": "publish", "tracks": [{"mid": mid, "source": "microphone"}]})
    joined, answered = client.reply(101), client.reply(102)
    expect("ok" in joined, joined)
    expect("ok" in answered, answered)
    if publish:
        published = client.reply(103)
        expect("ok" in published, published)
    return joined["ok"], answered["ok"]["sdp"]
