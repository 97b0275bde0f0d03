-- One row, where a report is open of a message that showed the attachment of the row `u` and was recalled.
SELECT t.attachment FROM {attachments}.taken_back t
 CROSS JOIN LATERAL (SELECT FROM {attachments}.open_report o
                      WHERE o.message = t.message AND o.conversation = t.conversation LIMIT 1) o
 WHERE t.attachment = u.attachment LIMIT 1
