"""A collection as people have them: each function makes the files of one subject in a folder of its own."""

import io
from collections.abc import Callable
from pathlib import Path

from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TIT2, TPE1, TXXX
from PIL import Image

from tests.support import rare_audio
from tests.support.audio_files import png, tone
from tests.support.plain_files import id3v1
from tests.support.song_files import song, untagged

RED, LIME, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
INGA, OLE, VERA, WILL, NAMED_LATER = (f"3c7c0de0-0000-4000-8000-{number:012x}" for number in range(1, 6))
RELEASE = "3c7c0de0-0000-4000-8000-0000000000ff"

# As tagged, and as somebody types it who looks for it.
SPELLINGS = {
    "Bjørkåsen": "bjorkasen",
    "Weißer Straßenzug": "weisser strassenzug",
    "Żółta Łąka": "zolta laka",
    "M\u00f6wentag": "Mo\u0308wentag",
    "Cafe\u0301 Nirgendwo": "caf\u00e9 nirgendwo",
    "İncirli": "incirli",
    "???": "???",
    "\u00d7": "\u00d7",
    "Won\u2019t Wait": "won't wait",
    "Can\u2019t Stay": "cant stay",
    "N.O.P.": "nop",
    "T!lda": "tilda",
    "UP/DN": "updn",
}
OF_DISCOGS = (
    "Stage & Screen", "Folk, World, & Country", "Brass & Military", "Country & Western", "Rock & Roll", "Funk / Soul"
)  # fmt: skip
FORMATS = (".wma", ".wv", ".mka", ".tta", ".dsf", ".dff", ".ape", ".mpc", ".spx", ".mp2", ".ac3")


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def picture(colour: tuple[int, int, int], kind: str, width: int = 200, height: int = 200) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(output, kind)
    return output.getvalue()


def duos(folder: Path) -> None:
    """Picard's ids of both artists, and no tag with each name: once the duo's file is read first, once the solo one."""
    for first, second, ids, order in (
        ("Inga Berg", "Ole Dahl", (INGA, OLE), ("a duo", "b solo")),
        ("Vera Moss", "Will Thorn", (VERA, WILL), ("b duo", "a solo")),
    ):
        album = {"album": f"{first}s Lieder", "albumartist": first, "musicbrainz_albumartistid": ids[0]}
        song(folder / first / f"{order[0]}.mp3", title=f"{first} duo", artist=f"{first} & {second}", tracknumber=1,
             musicbrainz_artistid=ids, **album)  # fmt: skip
        song(folder / first / f"{order[1]}.mp3", title=f"{first} solo", artist=first, tracknumber=2,
             musicbrainz_artistid=ids[0], **album)  # fmt: skip
    song(folder / "z.mp3", title="Ole alone", artist="Ole Dahl", musicbrainz_artistid=OLE)


def several_artists(folder: Path) -> None:
    for suffix in (".mp3", ".flac", ".m4a"):
        song(folder / f"1{suffix}", title=f"Two names {suffix}", artist=["Hauptfigur", "Nebenfigur"])
    song(folder / "shared.flac", title="Shared", artist=["Hauptfigur", "Nebenfigur"], album="Of both",
         albumartist=["Hauptfigur", "Nebenfigur"])  # fmt: skip


def albums(folder: Path) -> None:
    for number, artist in enumerate(("Ansgar", "Birte", "Clemens"), start=1):
        song(folder / "mix" / f"{number}.mp3", title=f"Mix {number}", artist=artist, album="Untagged mix",
             tracknumber=number)  # fmt: skip
    for year in (1987, 2009):
        for number in (1, 2):
            song(folder / str(year) / f"{number}.flac", title=f"{year} {number}", artist="Selbst", album="Selbst",
                 albumartist="Selbst", date=year, tracknumber=number,
                 picture=png(RED if year == 1987 else BLUE))  # fmt: skip
    for number, artist in enumerate(("Regent", "Regent & Gaststar", "Regent"), start=1):
        song(folder / "guest" / f"{number}.mp3", title=f"Court {number}", artist=artist, album="Court",
             tracknumber=number)  # fmt: skip
    for number, artist in enumerate(("Fürst", "Fürst feat. Page", "Fürst (ft. Zofe)"), start=1):
        song(folder / "guests" / f"{number}.mp3", title=f"Hall {number}", artist=artist, album="Hall",
             tracknumber=number)  # fmt: skip
    for disc, title in ((1, "Big box (Disc 1)"), (2, "Big box [CD 2]")):
        for number in (1, 2):
            song(folder / "box" / f"CD{disc}" / f"{number}.mp3", title=f"Box {disc}-{number}", artist="Boxer",
                 album=title, albumartist="Boxer", tracknumber=number)  # fmt: skip
            song(folder / "plain box" / f"CD{disc}" / f"{number}.mp3", title=f"Plain {disc}-{number}", artist="Boxer",
                 album="Plain box", albumartist="Boxer", tracknumber=number)  # fmt: skip


def lengths(folder: Path) -> None:
    """Files that were written to a pipe or in fragments, and one of variable bit rate without a Xing header."""
    three = rare_audio.sine(3.0)
    piped = put(folder / "piped.flac", rare_audio.piped(three, "flac", "flac"))
    audio = FLAC(piped)
    audio["title"] = "Piped FLAC"
    audio.save()
    put(folder / "Piped WAV.wav", rare_audio.piped(three, "pcm_s16le", "wav"))
    flags = {"movflags": "+frag_keyframe+empty_moov+default_base_moof+dash", "frag_duration": "500000"}
    put(folder / "Fragments.m4a", rare_audio.piped(three, "aac", "mp4", flags))
    put(folder / "No Xing.mp3", rare_audio.mp3_without_header(2.0, 8.0))


def no_music(folder: Path) -> None:
    song(folder / "Kept" / "kept.mp3", title="Kept", artist="Keeper of Files", album="Kept")
    put(folder / "Kept" / "._kept.mp3", bytes.fromhex("0005160700020000").ljust(4096, b"\0"))
    put(folder / "Kept" / "old.ra", b".ra\xfd")
    for name in ("#recycle", "@Recycle", "@Recently-Snapshot/x", ".stversions", "#snapshot/x", "$Recycle.Bin",
                 ".debris", ".AppleDouble"):  # fmt: skip
        song(folder / name / "kept.mp3", title="Deleted", artist="Keeper of Files", album="Kept")
    put(folder / "@eaDir" / "kept.mp3" / "SYNOINDEX_MEDIA_INFO", bytes(50))
    song(folder / "ringtones" / "ring.mp3", title="Ring ring", artist="Telephone")
    put(folder / "ringtones" / ".nomedia", b"")


def spellings(folder: Path) -> None:
    for number, name in enumerate(SPELLINGS):
        song(folder / f"{number}.mp3", title=f"Spelled {number}", artist=name)


def formats(folder: Path) -> None:
    for suffix in FORMATS:
        song(folder / f"x{suffix}", title=f"Format {suffix}", artist="Formatter", album="Formats")


def genres(folder: Path) -> None:
    for number, genre in enumerate((*OF_DISCOGS, "trip hop", "Trip-Hop", "Trip-Hop", "(17)")):
        song(folder / f"{number}.mp3", title=f"Of genre {number}", artist="Genrist", genre=genre)
    song(folder / "two.mp3", title="Of two genres", artist="Genrist", genre=["Drum & Bass", "Breakbeat"])


def tag_places(folder: Path) -> None:
    items = APEv2()
    items["Title"], items["Artist"], items["Album"] = "Behind the sound", "Monkey", "Cage"
    items.save(put(folder / "ape.mp3", untagged(".mp3")))
    put(folder / "v1.mp3", untagged(".mp3") + id3v1(b"Last 128 bytes", track=7, genre=17))
    for name in ("Erna", "Fritz"):
        path = put(folder / "foobar" / f"{name}.mp3", untagged(".mp3"))
        tag = ID3()
        for frame in (TIT2(encoding=3, text=f"{name}s Song"), TPE1(encoding=3, text=name),
                      TALB(encoding=3, text="Free text"),
                      TXXX(encoding=3, desc="ALBUM ARTIST", text="Owner in TXXX")):  # fmt: skip
            tag.add(frame)
        tag.save(path)
    song(folder / "x.aac", title="Before ADTS", artist="Adts Artist")
    tone(folder / "riff.wav", 1.0)
    said = b"INAM" + (11).to_bytes(4, "little") + b"Riff title\0\0" + b"IART" + (5).to_bytes(4, "little") + b"Riff\0\0"
    chunk = b"LIST" + (len(said) + 4).to_bytes(4, "little") + b"INFO" + said
    data = (folder / "riff.wav").read_bytes() + chunk
    put(folder / "riff.wav", b"RIFF" + (len(data) - 8).to_bytes(4, "little") + data[8:])


def pictures(folder: Path) -> None:
    for disc in (1, 2):
        song(folder / "gatefold" / f"CD{disc}" / "1.flac", title=f"Side {disc}", artist="Sleeve", album="Gatefold",
             albumartist="Sleeve", discnumber=disc, tracknumber=1)  # fmt: skip
    put(folder / "gatefold" / "cover.jpg", picture(RED, "JPEG"))
    put(folder / "gatefold" / "CD2" / "cover.jpg", picture(BLUE, "JPEG"))
    for name, file, data in (
        ("PNG as JPEG", "cover.jpg", picture(RED, "PNG")),
        ("Upper case", "Folder.JPG", picture(RED, "JPEG")),
        ("Wide", "front.jpeg", picture(RED, "JPEG", 600, 150)),
        ("Large PNG", "cover.png", picture(RED, "PNG", 5000, 5000)),
        ("Windows", "AlbumArt_{B5020207-474E-4720-0000-000000000000}_Large.jpg", picture(RED, "JPEG")),
        ("Named", "Sleeve - Named.jpg", picture(RED, "JPEG")),
        ("WebP", "cover.webp", picture(RED, "WEBP")),
        ("AVIF", "cover.avif", picture(RED, "AVIF")),
    ):
        song(folder / name / "1.flac", title=name, artist="Sleeve", album=name)
        put(folder / name / file, data)
    song(folder / "broken" / "1.flac", title="Broken 1", artist="Sleeve", album="Broken first", tracknumber=1,
         picture=b"\x89PNG\r\n\x1a\n" + b"broken" * 50)  # fmt: skip
    song(folder / "broken" / "2.flac", title="Broken 2", artist="Sleeve", album="Broken first", tracknumber=2,
         picture=png(RED))  # fmt: skip
    song(folder / "loose" / "loose.mp3", title="Without album", artist="Loner", picture=png(RED))
    for name, colour in (("red", RED), ("blue", BLUE)):
        song(folder / "singles" / f"{name}.mp3", title=f"Single in {name}", artist="Singler", album="Singles",
             picture=png(colour))  # fmt: skip


def cue_sheet(folder: Path) -> None:
    song(folder / "image.flac", seconds=3.0, title="Whole image", artist="Cutter", album="Cut")
    sheet = 'PERFORMER "Cutter"\r\nTITLE "Cut"\r\nFILE "image.flac" WAVE\r\n'
    for number, title in enumerate(("First cut", "Second cut"), start=1):
        sheet += f'  TRACK 0{number} AUDIO\r\n    TITLE "{title}"\r\n    INDEX 01 00:0{number - 1}:00\r\n'
    put(folder / "image.cue", sheet.encode())


def to_be_corrected(folder: Path) -> None:
    for name in ("fair", "market"):
        for number, artist in enumerate(("Greta", "Hannes", "Ida"), start=1):
            song(folder / name / f"{number}.mp3", title=f"{name} {number}", artist=artist, album=f"Songs of the {name}",
                 tracknumber=number)  # fmt: skip
    song(folder / "misspelled.mp3", title="Misspelled", artist="chloe marten", album="huset", date=2011)
    song(folder / "by id.mp3", title="By id", artist="Kris Vest", albumartist="Kris Vest", album="Prøve",
         musicbrainz_artistid=NAMED_LATER, musicbrainz_albumartistid=NAMED_LATER,
         musicbrainz_albumid=RELEASE)  # fmt: skip
    song(folder / "full.mp3", title="Laden", artist="Carrier", album="Load", tracknumber=4, discnumber=2,
         genre="Skiffle", date=1958, picture=png(RED))  # fmt: skip
    song(folder / "embedded.mp3", title="Repainted", artist="Carrier", album="Repainted", picture=png(RED))
    song(folder / "beside" / "1.mp3", title="Reframed", artist="Carrier", album="Reframed")
    put(folder / "beside" / "cover.jpg", picture(RED, "JPEG"))


def correct(folder: Path) -> None:
    """Change the files of `to_be_corrected` as their owner does after the first scan."""
    song(
        folder / "fair" / "2.mp3", title="fair 2, corrected", artist="Hannes", album="Songs of the fair", tracknumber=2
    )
    song(folder / "market" / "4.mp3", title="market 4", artist="Jan", album="Songs of the market", tracknumber=4)
    song(folder / "misspelled.mp3", title="Misspelled", artist="Chloé Martén", album="HUSET", date=2012)
    song(folder / "by id.mp3", title="By id", artist="Kris West", albumartist="Kris West", album="Prøver",
         musicbrainz_artistid=NAMED_LATER, musicbrainz_albumartistid=NAMED_LATER,
         musicbrainz_albumid=RELEASE)  # fmt: skip
    song(folder / "full.mp3", title="Laden", artist="Carrier", album="Load")
    song(folder / "embedded.mp3", title="Repainted", artist="Carrier", album="Repainted", picture=png(BLUE))
    put(folder / "beside" / "cover.jpg", picture(BLUE, "JPEG"))


SUBJECTS: tuple[Callable[[Path], None], ...] = (
    duos, several_artists, albums, lengths, no_music, spellings, formats, genres, tag_places, pictures, cue_sheet,
    to_be_corrected,
)  # fmt: skip


def make(root: Path) -> None:
    """Make the whole collection in a folder."""
    for subject in SUBJECTS:
        (root / subject.__name__).mkdir(parents=True)
        subject(root / subject.__name__)
