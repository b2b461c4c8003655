"""What all tables are registered in."""

import sqlalchemy as sa

metadata = sa.MetaData()
moment = sa.DateTime(timezone=True)
