"""The storage element: keeps documents as plain files behind a redo journal."""
