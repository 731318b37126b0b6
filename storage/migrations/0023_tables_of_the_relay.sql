-- The relay fills helplines and names of regions into templates. It takes them from the tables itself,
-- so that a gateway can only point to them.
GRANT SELECT ON route_version, route_activation TO ishara_relay;
