SELECT greatest((SELECT r.seq FROM {unread}.thread_read r WHERE r.user_id = $1::uuid AND r.conversation = $2::uuid AND r.thread = $3::uuid LIMIT 1),
                (SELECT p.own_seq FROM {unread}.thread_part p WHERE p.user_id = $1::uuid AND p.conversation = $2::uuid AND p.thread = $3::uuid LIMIT 1),
                0) AS seq
