"""Which names are those of audio files, of audio files that are not read, and of playlists.

The name alone decides, because discovery opens no file.
"""

AUDIO_SUFFIXES = frozenset(
    {
        ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".ape", ".asf", ".dff", ".dsf", ".eac3", ".ec3", ".flac", ".m4a",
        ".m4b", ".m4r", ".mka", ".mp+", ".mp1", ".mp2", ".mp3", ".mp4", ".mpc", ".mpga", ".mpp", ".oga", ".ogg",
        ".opus", ".spx", ".tta", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv",
    }
)  # fmt: skip

# What looks like audio and is not read, and what it is. A scan tells that it left such a file out.
UNSUPPORTED_SUFFIXES = {
    ".3ga": "AMR", ".aa": "Audible", ".aax": "Audible", ".aaxc": "Audible", ".amr": "AMR", ".au": "Sun audio",
    ".awb": "AMR", ".caf": "Core Audio Format", ".dts": "DTS", ".dtshd": "DTS", ".gsm": "GSM", ".it": "tracker module",
    ".kar": "MIDI", ".la": "Lossless Audio", ".m4p": "protected AAC", ".mid": "MIDI", ".midi": "MIDI", ".mlp": "MLP",
    ".mod": "tracker module", ".mtm": "tracker module", ".ofr": "OptimFROG", ".ofs": "OptimFROG", ".qcp": "Qualcomm",
    ".ra": "RealAudio", ".ram": "RealAudio", ".rm": "RealMedia", ".rmi": "MIDI", ".s3m": "tracker module",
    ".shn": "Shorten", ".snd": "Sun audio", ".stm": "tracker module", ".tak": "TAK", ".thd": "TrueHD",
    ".umx": "tracker module", ".voc": "Creative Voice", ".vqf": "TwinVQ", ".wax": "playlist of Windows Media",
    ".wvx": "playlist of Windows Media", ".xm": "tracker module",
}  # fmt: skip

RULES_SUFFIX = ".nsp"  # a smart playlist of Navidrome
PLAYLIST_SUFFIXES = frozenset({".m3u", ".m3u8", ".pls", RULES_SUFFIX})


def is_audio(name: str) -> bool:
    """Return whether a file of this name is read as audio."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in AUDIO_SUFFIXES


def is_playlist(name: str) -> bool:
    """Return whether a file of this name is read as a playlist. What macOS keeps beside such a file is none."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in PLAYLIST_SUFFIXES and name[:2] != "._"
