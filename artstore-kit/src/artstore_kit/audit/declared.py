"""What a service tells the audit log of each of its routes: said in one table, which the frame keeps to."""

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_RESOURCE = 160


@dataclass(frozen=True, slots=True)
class Audited:
    """`action` and `resource` of the entry; `{name}` in a resource is a parameter of the path.

    A refusal and a failure are always told. A success is too, unless `untold` says why not, or, of what a
    service of the fleet has asked, `untold_of_services`. `by_front`: whoever acts for somebody tells of what came of
    it, and that is enough.
    """

    action: str
    resource: str = ""
    untold: str = ""
    untold_of_services: str = ""
    by_front: bool = False

    def resource_of(self, params: Mapping[str, object]) -> str:
        """The resource with the parameters of a path. What is too long for a name is left out: it may be a token."""
        if "{" not in self.resource:
            return self.resource
        resource = self.resource.format_map(params)
        return resource if len(resource) <= LONGEST_RESOURCE else f"{resource.split(':')[0]}:?"


type Declarations = Mapping[str, Audited]
"""By method and path, such as `GET /api/v1/files/{file_id}`. Of what is not named nothing is told, come what may."""

WITH_ITS_EFFECT = "the change itself tells it, in its own transaction or journal record"
OFTEN_AND_HARMLESS = "services ask it of each other again and again, and it tells nothing of files or people"
