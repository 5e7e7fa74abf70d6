"""The validators that editors use, asked for their verdict; they come with the extra `dataset`.

Croissant's is mlcroissant, which loads records of every sample too; that of Data Package is frictionless; that of
RO-Crate is roc-validator. Without network the last one gets the terms of RO-Crate's context that a package uses from
here; with one it reads the context where it stands.
"""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from marketsim.errors import EnvironmentLackError
from marketsim.publication.layout import CROISSANT, DATAPACKAGE
from marketsim.publication.ro_crate import PROFILE_ID, SCHEMA_TERMS

SAMPLE_RECORDS = 3
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def croissant_problems(package: Path) -> Iterator[str]:
    """What mlcroissant finds wrong with the description, or with loading records of a sample."""
    import mlcroissant

    try:
        dataset = mlcroissant.Dataset(str(package / CROISSANT))
    except mlcroissant.ValidationError as error:
        yield f"{CROISSANT}: {error}"
        return
    for record_set in dataset.metadata.record_sets:
        if record_set.id.endswith("_sample"):
            try:
                list(islice(dataset.records(record_set.id), SAMPLE_RECORDS))
            except Exception as error:  # whatever a reader stumbles over is a fault of the package
                yield f"{CROISSANT}: records of {record_set.id} do not load: {error}"


def datapackage_problems(package: Path) -> Iterator[str]:
    """What frictionless finds wrong with the description, the files' hashes, or the rows of the tables described."""
    import frictionless

    report = frictionless.validate(str(package / DATAPACKAGE))
    for error in report.errors:
        yield f"{DATAPACKAGE}: {error.message}"
    for task in report.tasks:
        for found in task.errors[:5]:
            yield f"{DATAPACKAGE}: {task.name}: {found.message}"


def ro_crate_problems(package: Path) -> Iterator[str]:
    """What roc-validator finds wrong with the crate, by the Process Run Crate profile."""
    from rocrate_validator import models, services
    from rocrate_validator.utils.http import HttpRequester

    settings = services.ValidationSettings(
        rocrate_uri=str(package),
        profile_identifier=PROFILE_ID,
        requirement_severity=models.Severity.REQUIRED,
    )
    if not _is_online():
        HttpRequester().session.mount(CONTEXT, _context_adapter())
    result = services.validate(settings)
    for issue in result.get_issues():
        yield f"ro-crate-metadata.json: {issue.message}"


def _is_online() -> bool:
    try:
        socket.getaddrinfo("w3id.org", 443)
    except OSError:
        return False
    return True


def _context_adapter() -> Any:
    """An adapter for `requests` that answers with the terms that a package uses."""
    from io import BytesIO

    from requests import Response
    from requests.adapters import BaseAdapter
    from urllib3 import HTTPResponse

    class Terms(BaseAdapter):
        def send(self, request: Any, **options: Any) -> Response:  # type: ignore[override]
            answer = Response()
            answer.status_code, answer.url, answer.request = 200, request.url, request
            answer.headers["Content-Type"] = "application/ld+json"
            body = BytesIO(json.dumps({"@context": SCHEMA_TERMS}).encode())
            answer.raw = HTTPResponse(body, headers=answer.headers, status=200, preload_content=False)
            return answer

        def close(self) -> None:
            pass

    return Terms()


VALIDATORS: dict[str, Callable[[Path], Iterator[str]]] = {
    "mlcroissant": croissant_problems,
    "frictionless": datapackage_problems,
    "rocrate_validator": ro_crate_problems,
}


def verdicts(package: Path) -> list[str]:
    """What all of them find wrong; what they warn of among themselves (of old names, of fine instants) is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [found for validate in VALIDATORS.values() for found in validate(package)]


def require_validators() -> None:
    """Raise `EnvironmentLackError` with the line that installs them where one is not there."""
    from importlib.util import find_spec

    missing = [name for name in VALIDATORS if find_spec(name) is None]
    if missing:
        raise EnvironmentLackError(
            f"{', '.join(missing)} not installed; `pip install 'marketsim-lab[dataset]'` brings what checks packages"
        )
