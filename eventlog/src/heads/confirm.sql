WITH begun AS (
    UPDATE log_lane SET epoch = log_next_epoch($2)
     WHERE lane = $1 AND (epoch < $2 OR epoch = $2 AND head < $3)
    RETURNING lane, head, epoch)
SELECT lane, head, epoch FROM begun
UNION ALL
SELECT lane, head, epoch FROM log_lane WHERE lane = $1 AND NOT EXISTS (SELECT FROM begun)
