-- Which streams a read model has put aside is asked for each batch that is folded and for each connection that comes, however
-- many events of them have gathered.
CREATE INDEX projection_parked_stream ON projection_parked (projection, stream);
