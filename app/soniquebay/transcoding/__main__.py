"""A transcoder: ``python -m soniquebay.transcoding JOB DESCRIPTOR PARENT``, started by the API for one stream.

JOB is a `formats.Job` as JSON, DESCRIPTOR that of the opened file, PARENT the id of the API's process. The stream goes
to standard output, and a reason for its early end to standard error.
"""

import io
import os
import sys

from soniquebay.transcoding import confinement
from soniquebay.transcoding.errors import EXIT_UNDECODABLE, EXIT_UNREADABLE, UndecodableSoundError
from soniquebay.transcoding.formats import Job
from soniquebay.transcoding.output import PipeWriter


def main(job_text: str, descriptor_text: str, parent_text: str) -> int:
    """Transcode, and return the exit code."""
    confinement.die_with(int(parent_text))
    confinement.be_killed_first()
    job = Job.from_json(job_text)
    file: io.RawIOBase = io.FileIO(int(descriptor_text))
    import av
    import av.subtitles.stream  # PyAV itself imports it late, when no file can be opened any more

    from soniquebay.transcoding.transcode import transcode

    av.logging.set_level(None)  # what FFmpeg says of a damaged file means nothing to people
    if job.without_metadata:
        from soniquebay.audio.sound_view import without_metadata

        file = without_metadata(f"/proc/self/fd/{descriptor_text}") or file
    confinement.confine()
    output = PipeWriter(sys.stdout.fileno(), confinement.lower_priority)
    try:
        transcode(file, job, output.write)
        output.flush()
    except BrokenPipeError:
        return 0  # the listener has left
    except UndecodableSoundError as error:
        return _fail(EXIT_UNDECODABLE, str(error))
    except OSError as error:
        return _fail(EXIT_UNREADABLE, error.strerror or str(error))
    except MemoryError:
        return _fail(EXIT_UNDECODABLE, f"it needs more than {confinement.MAX_MEMORY_MIB} MiB of memory")
    return 0


def _fail(code: int, reason: str) -> int:
    sys.stderr.write(reason)
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    exit_code = main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(exit_code)  # without what Python and FFmpeg would tidy up
