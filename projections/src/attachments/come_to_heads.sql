-- Whether the read model has come to the heads $3 of the lanes $2 and holds nothing that the log has lost, in the snapshot of what else is read.
(SELECT NOT EXISTS (SELECT FROM unnest($2::smallint[], $3::bigint[]) h(lane, head)
                      LEFT JOIN LATERAL (SELECT c.pos FROM projection_checkpoint c
                                          WHERE c.projection = 'attachments' AND c.version = {attachments_version} AND c.lane = h.lane LIMIT 1) c ON true
                      LEFT JOIN LATERAL (SELECT l.head FROM log_lane l WHERE l.lane = h.lane LIMIT 1) l ON true
                     WHERE coalesce(c.pos, 0) < h.head OR c.pos > l.head))
