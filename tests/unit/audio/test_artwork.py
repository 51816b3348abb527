"""Which pictures of a folder are candidates, and in which order: with real folders."""

from pathlib import Path

import pytest
from mutagen.flac import FLAC, Picture

from soniquebay.audio import artwork
from soniquebay.audio.artwork import Folders
from soniquebay.audio.picture_names import AlbumNames, disc_of_folder, is_picture, may_be_shown
from soniquebay.audio.reading.embedded import embedded_pictures
from tests.support.audio_files import png, tone

ALBUM = AlbumNames("Back in Town: Live?", "The Band")


def make(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")


def candidates(folder: Path, *tracks: str, album: AlbumNames = ALBUM) -> list[str]:
    found = artwork.album_candidates(Folders(), [str(folder / track) for track in tracks], album)
    return [str(Path(path).relative_to(folder)) for path in found]


def test_named_covers_come_before_what_programs_write(tmp_path: Path) -> None:
    ordered = [
        "cover.png", "FOLDER.JPG", "Front.jpeg", "album.webp", "AlbumArt.gif",
        "00-the_band-back_in_town_live-2004-front.jpg", "Cover (1).jpg", "Cover10.jpg", "Cover_front.jpg",
        "front cover.avif", "frontcover.jpg",
        "rip of 2004 front.jpg", "my cover.tif",
        "AlbumArt_{B5020207-474E-4720-0000-000000000000}_Large.jpg",
        "Back in Town_ Live_.jpg", "The Band - Back in Town_ Live_.jpe",
        "AlbumArt_{B5020207-474E-4720-0000-000000000000}_Small.jpg", "AlbumArtSmall.jpg",
    ]  # fmt: skip
    never = [
        "back.jpg", "Back Cover.jpg", "backcover.jpg", "cdcover.jpg",
        "cd.jpg", "CD 1.jpg", "disc1.jpg", "booklet 03.jpg", "inlay.jpg", "artist.jpg",
        "01 song.jpg", "notes.txt", ".cover.jpg", "cover", "photo1.jpg", "photo2.jpg",
    ]  # fmt: skip
    make(tmp_path, "01 song.flac", "02 song.flac", *ordered, *never)
    assert candidates(tmp_path, "01 song.flac") == ordered


def test_a_picture_may_have_the_name_of_the_folder(tmp_path: Path) -> None:
    make(tmp_path, "Some Folder/1.flac", "Some Folder/some folder.jpg", "Some Folder/other.jpg", "Some Folder/x.jpg")
    assert candidates(tmp_path, "Some Folder/1.flac") == ["Some Folder/some folder.jpg"]


def test_the_only_picture_of_a_folder_is_its_cover(tmp_path: Path) -> None:
    make(tmp_path, "a/1.flac", "a/IMG_2001.jpg", "a/back.jpg", "a/AlbumArtSmall.jpg")
    make(tmp_path, "b/1.flac", "b/IMG_2001.jpg", "b/IMG_2002.jpg")
    make(tmp_path, "c/1.flac", "c/2.flac", "c/1.jpg")
    make(tmp_path, "d/1.flac", "d/1.jpg")
    make(tmp_path, "e/1.flac", "e/back.jpg")
    make(tmp_path, "f/1.flac", "f/IMG_2001.jpg", "f/cover.jpg")
    album = AlbumNames("Title", "Artist")
    assert candidates(tmp_path, "a/1.flac", album=album) == ["a/IMG_2001.jpg", "a/AlbumArtSmall.jpg"]
    assert candidates(tmp_path, "b/1.flac", "c/1.flac", "e/1.flac", album=album) == []
    assert candidates(tmp_path, "d/1.flac", album=album) == ["d/1.jpg"]  # of one track, so it is the album's
    assert candidates(tmp_path, "f/1.flac", album=album) == ["f/cover.jpg"]


def test_the_folder_above_those_of_discs_comes_first(tmp_path: Path) -> None:
    for disc in ("CD1", "Disc 2 - The Second"):
        make(tmp_path, f"Album/{disc}/1.flac", f"Album/{disc}/cover.jpg")
    make(tmp_path, "Album/folder.jpg", "Album/Artwork/front.png", "Album/Artwork/cd.png", "cover.jpg")
    assert candidates(tmp_path, "Album/CD1/1.flac", "Album/Disc 2 - The Second/1.flac") == [
        "Album/folder.jpg", "Album/Artwork/front.png", "Album/CD1/cover.jpg", "Album/Disc 2 - The Second/cover.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "disc_no"),
    [("CD1", 1), ("cd 02", 2), ("Disc 2", 2), ("Disk-3", 3), ("CD 2 - Title", 2), ("CD1_x", 1), ("Bonus CD 2", 2),
     ("DVD 1", 1), ("Album", None), ("CD", None), ("Disco 2000", None), ("LP1", None), ("CD 99a", None)],
)  # fmt: skip
def test_the_folder_of_a_disc_is_known_by_its_name(name: str, disc_no: int | None) -> None:
    assert disc_of_folder(name) == disc_no


def test_folders_of_scans_are_searched_after_the_albums_own(tmp_path: Path) -> None:
    make(tmp_path, "1.flac", "Scans/Front.jpg", "Scans/Back.jpg", "covers/cover.jpg", "Live/cover.jpg")
    assert candidates(tmp_path, "1.flac") == ["Scans/Front.jpg", "covers/cover.jpg"]


def test_a_disc_has_pictures_in_the_albums_folder_and_in_its_own(tmp_path: Path) -> None:
    make(tmp_path, "A/CD1/1.flac", "A/CD2/1.flac", "A/CD2/cover.jpg", "A/CD2/cd.jpg", "A/disc2.png", "A/disc 1.jpg")
    make(tmp_path, "A/disc12.png", "B/1.flac", "B/cd01.jpg", "B/CD 2.jpg")

    def of(disc_no: int, track: str) -> list[str]:
        found = artwork.disc_candidates(Folders(), [str(tmp_path / track)], disc_no)
        return [str(Path(path).relative_to(tmp_path)) for path in found]

    assert of(2, "A/CD2/1.flac") == ["A/disc2.png", "A/CD2/cover.jpg", "A/CD2/cd.jpg"]
    assert of(1, "A/CD1/1.flac") == ["A/disc 1.jpg"]
    assert (of(1, "B/1.flac"), of(2, "B/1.flac"), of(3, "B/1.flac")) == (["B/cd01.jpg"], ["B/CD 2.jpg"], [])


def test_the_pictures_in_the_folder_of_an_artist(tmp_path: Path) -> None:
    def of(artist: str, folder: str, *, is_artists: bool = True) -> list[str]:
        return [
            Path(path).name
            for path in artwork.artist_candidates(Folders(), str(tmp_path / folder), artist, is_artists=is_artists)
        ]

    make(tmp_path, "Björk/Debut/1.flac", *(f"Björk/{name}" for name in (
        "folder.jpg", "ARTIST.png", "björk.jpg", "poster.png", "thumb.JPG", "cover.webp", "artist-poster.jpg",
        "fanart.jpg", "logo.png", "clearlogo.png", "banner.jpg", "other.jpg", "artist.txt")))  # fmt: skip
    assert of("BJÖRK", "Björk") == [
        "ARTIST.png", "artist-poster.jpg", "björk.jpg", "folder.jpg", "poster.png", "thumb.JPG", "cover.webp",
    ]  # fmt: skip
    assert of("BJÖRK", "Björk", is_artists=False) == ["ARTIST.png", "artist-poster.jpg"]
    # Where an album lies in the folder itself, the other pictures are that album's.
    for folder in ("Alone", "AC_DC"):
        make(tmp_path, f"{folder}/{folder}.jpg", f"{folder}/folder.jpg", f"{folder}/artist.jpg")
    make(tmp_path, "Alone/1.flac", "AC_DC/CD1/1.flac")
    assert of("Alone", "Alone") == of("AC/DC", "AC_DC") == ["artist.jpg"]
    assert of("Nobody", "gone") == []


def test_a_tracks_own_picture_has_its_name(tmp_path: Path) -> None:
    make(tmp_path, "One.flac", "one.JPG", "Two.flac", "One more.jpg")
    assert artwork.track_candidates(Folders(), str(tmp_path / "One.flac")) == [str(tmp_path / "one.JPG")]
    assert artwork.track_candidates(Folders(), str(tmp_path / "Two.flac")) == []


def test_the_next_candidate_is_taken_when_the_first_is_broken(tmp_path: Path) -> None:
    make(tmp_path, "broken.jpg")
    (tmp_path / "good.png").write_bytes(png())
    files = [str(tmp_path / name) for name in ("broken.jpg", "gone.jpg", "good.png")]
    picture = artwork.first_picture(files)
    assert picture is not None
    assert picture.data == png()
    assert artwork.first_picture(files[:2]) is None


def test_a_folder_that_cannot_be_listed_has_no_pictures(tmp_path: Path) -> None:
    assert candidates(tmp_path / "gone", "1.flac") == []


def test_only_pictures_that_may_be_shown_are_watched() -> None:
    assert all(map(may_be_shown, ("cover.jpg", "disc1.png", "artist.JFIF", "IMG 1.avif")))
    assert not any(map(may_be_shown, ("Back.jpg", "booklet 1.png", "cover.txt", ".cover.jpg")))
    assert all(map(is_picture, ("a.jpg", "a.jpeg", "a.jpe", "a.jfif", "a.png", "a.webp", "a.gif", "a.bmp", "a.tif",
                                "a.TIFF", "a.avif", "a.jxl")))  # fmt: skip


def flac_picture(picture_type: int, data: bytes) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = picture_type, "image/png", data
    return picture


def test_the_front_cover_comes_first_and_the_back_last(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.flac", seconds=0.2)
    audio = FLAC(file)
    for picture_type in (4, 2, 0, 3, 8):
        audio.add_picture(flac_picture(picture_type, b"%d" % picture_type))
    audio.save()
    assert embedded_pictures(str(file)) == [b"3", b"0", b"2", b"4", b"8"]


def test_pictures_have_the_same_key_only_if_they_are_the_same() -> None:
    data = bytes(range(256)) * 100
    different = [data, data + b"\0", data[:-1] + b"\0", b"\1" + data[1:], b""]
    keys = {artwork.picture_key(one) for one in different}
    assert len(keys) == len(different)
    assert all(0 <= key < 2**63 for key in keys)
    assert artwork.picture_key(bytes(data)) in keys
