-- While events are aside somebody may have stored them of whom nobody knows. Nothing, where the read model has not come to these heads.
SELECT EXISTS (SELECT FROM {attachments}.attachment a WHERE a.sha256 = $1)
    OR EXISTS (SELECT FROM projection_parked p WHERE p.projection = 'attachments' AND p.version = {attachments_version}) AS is_stored
 WHERE {come_to_heads}
