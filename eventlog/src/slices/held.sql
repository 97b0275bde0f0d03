ARRAY(SELECT log_subject(w.payload) FROM event w
       WHERE w.lane = u.lane_no AND w.stream = u.id AND w.kind = {withholding}
         AND log_subject(w.payload) BETWEEN u.f AND u.t
       GROUP BY log_subject(w.payload) HAVING {holds})
