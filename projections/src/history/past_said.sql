SELECT h.at FROM {history}.message h WHERE h.conversation = $1 AND h.main AND h.seq <= $2 ORDER BY h.seq DESC LIMIT 1
