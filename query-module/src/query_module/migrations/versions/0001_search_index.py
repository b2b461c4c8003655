"""The search index, its cursors, and the words that it is searched by."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORDS = """
CREATE TEXT SEARCH DICTIONARY artstore_russian (TEMPLATE = snowball, Language = russian);
CREATE TEXT SEARCH DICTIONARY artstore_english (TEMPLATE = snowball, Language = english);
CREATE TEXT SEARCH CONFIGURATION artstore (COPY = pg_catalog.russian);
ALTER TEXT SEARCH CONFIGURATION artstore ALTER MAPPING REPLACE russian_stem WITH artstore_russian;
ALTER TEXT SEARCH CONFIGURATION artstore ALTER MAPPING REPLACE english_stem WITH artstore_english;
COMMENT ON TEXT SEARCH CONFIGURATION artstore IS
    'As "russian" (Cyrillic words by the Russian stemmer, ASCII words by the English one), but it keeps stop words'
"""

FILES = """
CREATE TABLE files (
    file_id uuid PRIMARY KEY,
    element_id text COLLATE "C" NOT NULL,
    lsn bigint NOT NULL,
    sweep integer NOT NULL,
    revision integer NOT NULL,
    collection text COLLATE "C" NOT NULL,
    name text NOT NULL,
    media_type text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    uploaded_by text COLLATE "C" NOT NULL,
    uploaded_at timestamptz NOT NULL,
    tags text[] NOT NULL,
    attributes json NOT NULL,
    tsv tsvector NOT NULL
);
ALTER TABLE files ALTER COLUMN tsv SET STATISTICS 500;
COMMENT ON TABLE files IS 'A copy of what the elements say: rebuilt from their change feeds';
COMMENT ON COLUMN files.sweep IS 'The resynchronisation that last saw the file; see follow_cursors.sweep';
COMMENT ON COLUMN files.attributes IS 'The element''s own text of the attributes, answered as it is';
CREATE INDEX files_newest ON files (uploaded_at DESC, file_id DESC);
CREATE INDEX files_collection ON files (collection, uploaded_at DESC, file_id DESC);
CREATE INDEX files_media_type ON files (media_type, uploaded_at DESC, file_id DESC);
CREATE INDEX files_uploaded_by ON files (uploaded_by, uploaded_at DESC, file_id DESC);
CREATE INDEX files_tags ON files USING gin (tags) WITH (gin_pending_list_limit = 512);
CREATE INDEX files_tsv ON files USING gin (tsv) WITH (gin_pending_list_limit = 512)
"""

CURSORS = """
CREATE TABLE follow_cursors (
    element_id text COLLATE "C" PRIMARY KEY,
    generation text NOT NULL,
    lsn bigint NOT NULL,
    sweep integer NOT NULL,
    sweeping boolean NOT NULL
);
COMMENT ON COLUMN follow_cursors.sweep IS 'Counts resynchronisations of the element';
COMMENT ON COLUMN follow_cursors.sweeping IS 'True until the feed has been read to its end in this generation'
"""


def upgrade() -> None:
    """Statement by statement, because the driver prepares each."""
    for script in (WORDS, FILES, CURSORS):
        for statement in script.split(";\n"):
            op.execute(statement)
