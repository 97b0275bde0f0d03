SELECT EXISTS (SELECT FROM {history}.thread t
                WHERE t.conversation = $1::uuid AND t.root = $2::uuid AND t.last_seq >= $3::bigint) AS goes_on
