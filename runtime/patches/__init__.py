"""All patches of third-party internals. Read this before an upgrade of one of these libraries.

The docstring of each module has the full names, the reasons and the checks.

| module, library    | names replaced or used      | reason                 | tests                |
|--------------------|-----------------------------|------------------------|----------------------|
| ray_data           | create_cluster_autoscaler,  | unused actors: 235 MB; | test_ray_data_patch  |
| ray 2.60.0         | _StatsManager, _set_uuid,   | a memory leak; names   | test_dashboard       |
|                    | ClusterAutoscaler           | and rows of Datasets   |                      |
|--------------------|-----------------------------|------------------------|----------------------|
| ray_node           | RayParams,                  | unused monitors, lean  | test_ray_node_patch  |
| ray 2.60.0         | start_ray_process           | dashboard, agent ports | test_dashboard       |
|--------------------|-----------------------------|------------------------|----------------------|
| ray_serve          | start_asgi_http_server,     | one port for all API   | test_ray_serve_patch |
| ray 2.60.0         | ASGIDIReceiveProxy,         | processes, gRPC port   | test_api_deaths      |
|                    | add_port_to_grpc_server     | on all interfaces,     | test_api_processes   |
|                    |                             | deadlines of HTTP,     | test_other_users     |
|                    |                             | backpressure           |                      |
|--------------------|-----------------------------|------------------------|----------------------|
| milvus_lite_server | Collection: _apply,         | rows lost or           | test_killed_servers  |
| milvus-lite 3.2    | _get_raw, _trigger_flush,   | duplicated by kill -9, | test_full_disk       |
|                    | data_dir and others;        | concurrent writes or a | test_milvus_token    |
|                    | MemTable._build_data_table; | full disk; flushes and |                      |
|                    | MilvusLite._collections,    | compactions that block |                      |
|                    | _cleanup_old_wals,          |                        |                      |
|                    | Manifest.active_wal_number  |                        |                      |
|--------------------|-----------------------------|------------------------|----------------------|
| milvus_lite_rows   | Collection._memtable and    | rows as Arrow tables,  | test_search_index_   |
| milvus-lite 3.2    | others, Segment, MemTable   | reads without locks    | server               |
|--------------------|-----------------------------|------------------------|----------------------|
| pymilvus           | logging.config.dictConfig   | its import closes all  | test_pymilvus_patch  |
| pymilvus 3.0       |                             | log handlers           |                      |
|--------------------|-----------------------------|------------------------|----------------------|
| prometheus         | values.ValueClass           | sums over the          | test_shared_metrics  |
| prometheus-client  |                             | processes of the API   |                      |
| 0.26               |                             |                        |                      |
|--------------------|-----------------------------|------------------------|----------------------|
| openvino           | sys.modules:                | telemetry to Google    | none: check by hand  |
| openvino 2026.4,   | openvino_telemetry is None  | Analytics              |                      |
| nncf 3.4           |                             |                        |                      |
|--------------------|-----------------------------|------------------------|----------------------|

One more patch is outside this package, because `extraction` imports only `domain`:
extraction/text/mupdf.py (pymupdf 2.0) disables the import of `pymupdf.layout` and `pymupdf4llm`.
"""
