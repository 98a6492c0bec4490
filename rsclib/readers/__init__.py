"""Licensed data sets, each read where its owner's archive unpacks to; none of them is needed.

All lie below one folder, the data root (``RSC_DATA``, or ``--data`` of a command). A reader's own
module has the exact layout; together:

.. code-block:: text

    smpl/             SMPL_{NEUTRAL,MALE,FEMALE}.pkl, J_regressor_{extra,h36m}.npy
    dataset_extras/   SPIN's npz: 3dpw_test.npz, h36m_valid_protocol1.npz, ...
    vibe_db/          VIBE's databases: 3dpw_test_db.pt, insta_train_db.h5, ...
    checkpoints/      RSC-Net.pt, model_checkpoint.pt (SPIN), resnet50-*.pth
    3dpw/             sequenceFiles/, imageFiles/
    h36m/             images/
    mpi_inf_3dhp/     S1/ ... S8/, mpi_inf_3dhp_test_set/
    lsp/  hr-lspet/   images/, joints.mat          upi-s1h/data/lsp/  masks and parts of LSP
    mpii/             images/, mpii_human_pose_v1_u12_1.mat
    coco/             train2014/, annotations/
    amass/            CMU/01/01_01_poses.npz, ...
    surreal/          textures/{female,male}/nongrey_*.jpg
    Market-1501/      bounding_box_train/, query/, bounding_box_test/

``rsc doctor`` says what is there. A reader returns :class:`rsclib.readers.found.Found`, which becomes
the one record, :class:`rsclib.people.People`; pictures stay on the disk until they are looked at.
"""
