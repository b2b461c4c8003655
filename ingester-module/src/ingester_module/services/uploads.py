"""Taking a file in: rights, limits, a place, and one file however often it is sent."""

from dataclasses import dataclass

from artstore_kit.contracts.identity import Action
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.principal import Principal
from ingester_module.domain.content import Content, take
from ingester_module.domain.idempotency import Record, fingerprint, record_name
from ingester_module.domain.intake import Limits, NewFile
from ingester_module.domain.outcome import Receipt
from ingester_module.services.delivery import Upload
from ingester_module.services.once import Begun, Once
from ingester_module.services.placing import Placing


@dataclass(frozen=True)
class Uploads:
    """The use case behind `POST /api/v1/files`."""

    limits: Limits
    placing: Placing
    once: Once

    async def store(self, new: NewFile, who: Principal) -> Receipt:
        """The receipt of an element that has committed the file."""
        who.require_grant(Action.WRITE, new.attributes.collection)
        self.limits.check(new)
        content = await take(new, self.limits)
        if new.idempotency_key is not None:
            return await self._store_once(new, content, who, new.idempotency_key)
        upload = Upload(new_file_id(), new.attributes, content, who.on_whose_behalf)
        return await self.placing.place(upload, self.placing.ranking(new.attributes, content))

    async def _store_once(self, new: NewFile, content: Content, who: Principal, key: str) -> Receipt:
        ranking = self.placing.ranking(new.attributes, content)
        best = ranking.candidates[0].element_id if ranking.candidates else ""

        async def work(begun: Begun) -> Receipt:
            record, repeated = begun.record, begun.repeated and begun.record.element_id != ""
            upload = Upload(record.file_id, new.attributes, content, who.on_whose_behalf, repeated)
            if repeated:
                return await self.placing.finish(upload, record.element_id, ranking, begun.note)
            return await self.placing.place(upload, ranking, begun.note)

        print_ = fingerprint(new.attributes, content.size_bytes, content.announced_sha256)
        proposal = Record(fingerprint=print_, file_id=new_file_id(), element_id=best)
        name = record_name(f"{who.client_id}\n{who.on_whose_behalf}", key)
        return await self.once.carry_out(name, proposal, work)
