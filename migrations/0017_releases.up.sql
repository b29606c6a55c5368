-- What is due for release is found without reading all tracks.
CREATE INDEX IF NOT EXISTS tracks_scheduled_release_due_idx ON tracks (release_date)
    WHERE is_unlisted = true AND is_scheduled_release = true AND release_date IS NOT NULL
        AND is_current = true AND is_delete = false;
CREATE INDEX IF NOT EXISTS playlists_scheduled_release_due_idx ON playlists (release_date)
    WHERE is_private = true AND is_album = true AND is_scheduled_release = true
        AND release_date IS NOT NULL AND is_current = true AND is_delete = false;
