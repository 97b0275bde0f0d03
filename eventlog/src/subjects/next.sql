(SELECT log_mark(m.payload) FROM event m WHERE {put} {behind} ORDER BY log_mark(m.payload) LIMIT 1)
