"""Prints the offer of a Python WebRTC client (Debian's python3-aiortc): one audio, one video, one data channel."""
import asyncio

from aiortc import RTCPeerConnection


async def main():
    peer = RTCPeerConnection()
    peer.addTransceiver("audio", direction="sendrecv")
    peer.addTransceiver("video", direction="sendrecv")
    peer.createDataChannel("reliable")
    await peer.setLocalDescription(await peer.createOffer())
    print(peer.localDescription.sdp, end="")
    await peer.close()


asyncio.run(main())
